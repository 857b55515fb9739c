"""数据到期删除: what is kept how long, the purge, the bytes at night, backups that forget."""
