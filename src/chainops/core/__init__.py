"""What every room stands on: errors, processes, clock, ids, units, secrets and the store."""
