"""The adapter that speaks to the Kubernetes API; nothing else imports `kubernetes`."""
