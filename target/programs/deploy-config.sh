# Runs on the target: the transaction of one configuration file.
. ../kinds/config.sh
. ../transaction/main.sh

main
