"""What runs inside the sandbox and touches a stranger's file: it imports nothing of the portal but itself."""
