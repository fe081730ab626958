"""What carriers tell us of parcels: by file, by program, by signed webhook; all of it becomes events of the ledger."""
