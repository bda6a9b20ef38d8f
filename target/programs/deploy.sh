# Runs on the target: the transaction of one program.
. ../kinds/binary.sh
. ../transaction/main.sh

main
