"""汇总: figures as sums over facts, never a scan of check-ins."""
