"""What is written of named photos, one file a format. All read the same rows, one by one."""
