"""Pictures for the phone: composed here from what was recorded, drawn in a process of its own."""
