# Runs on the target: the transaction of one unit file.
. ../kinds/unit.sh
. ../transaction/main.sh

main
