"""Mail as people see it: cleaned in a process of its own, shown in a frame that can do nothing."""
