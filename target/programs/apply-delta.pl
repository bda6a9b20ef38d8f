# On the target: makes the new file from the old one, named first, and a delta (see delta.ts) on standard input; to standard
# output. Whether it is the right one is for a digest to say.
use strict;
use Fcntl;

# The old file is in a folder of another account: neither a link nor a pipe put there is of any use.
sysopen my $old, $ARGV[0], O_RDONLY | O_NOFOLLOW | O_NONBLOCK or die "the present file can't be read: $!\n";
-f $old or die "the present file is no regular file any more\n";
binmode STDIN;
binmode STDOUT;

# Byte by byte, without a carry into the next one. Perl has no such sum of strings, but AND, OR, XOR and a table for each
# shift; in three steps each carry has gone as far as a byte goes.
my @shift = map {
  my $bits = $_;
  my $table = join '', map { sprintf '\\x%02x', $_ << $bits & 255 } 0 .. 255;
  eval "sub { (my \$bytes = \$_[0]) =~ tr/\\x00-\\xff/$table/; \$bytes }";
} 1, 2, 4;

sub added {
  my ($left, $right) = @_;
  return $left unless $right =~ tr/\0//c;
  my $sum = $left ^ $right;
  my ($carries, $passes) = ($left & $right, $sum);
  for my $shift (@shift) {
    $carries |= $passes & $shift->($carries);
    $passes &= $shift->($passes);
  }
  return $sum ^ $shift[0]->($carries);
}

# Small enough that many a one is all the same.
my $slice = 16384;
my $at = 0;
while (my $got = read STDIN, my $head, 8) {
  $got == 8 or die "the delta ends in the middle of a piece\n";
  my ($stretches, $bytes) = unpack 'NN', $head;
  read(STDIN, my $list, 8 * $stretches) == 8 * $stretches or die "the delta ends in the middle of a piece\n";
  read(STDIN, my $difference, $bytes) == $bytes or die "the delta ends in the middle of a piece\n";
  my @numbers = unpack 'l>*', $list;
  my $aligned = '';
  while (my ($length, $jump) = splice @numbers, 0, 2) {
    if ($jump == -2147483648) {
      $aligned .= "\0" x $length;
      next;
    }
    sysseek $old, $at += $jump, 0;
    sysread $old, $aligned, $length, length $aligned;
    $at += $length;
  }
  for (my $done = 0; $done < $bytes; $done += $slice) {
    my $sum = added(substr($aligned, $done, $slice), substr($difference, $done, $slice));
    print $sum or die "the new file can't be written: $!\n";
  }
}
close STDOUT or die "the new file can't be written: $!\n";
