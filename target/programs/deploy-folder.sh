# Runs on the target: the transaction of one folder.
. ../kinds/folder.sh
. ../transaction/main.sh

main
