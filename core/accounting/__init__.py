"""What was earned, lost and paid, split into parts that add up. Pure: no I/O, no clock."""
