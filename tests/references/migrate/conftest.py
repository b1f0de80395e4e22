"""The scripts here are programs to be migrated, not modules to look for doctests in."""

collect_ignore_glob = ["[mt][0-9]*.py", "real/*"]
