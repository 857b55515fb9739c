"""审计日志: append-only and chained; the lowest feature, so that all others write to it."""
