"""The status of each message: the ledger, the spool and the dead letters."""
