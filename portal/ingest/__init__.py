"""The door, the spool and the pipeline."""
