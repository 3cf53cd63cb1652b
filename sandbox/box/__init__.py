"""What runs inside the box: a supervisor, a zygote that forks jobs, and the runners they execute.

Nothing here imports `moa_code`: the host and the box share files and a channel, no code.
"""
