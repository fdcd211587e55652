"""Scripts that run inside the isolated environments, each as ``python -m workers.NAME``; afield is not there."""
