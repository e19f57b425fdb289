"""Host side of Portcullis: starts machines, follows the kernel's output, writes the reports.

Start reading at cli.py. Layers, from the bottom: status, globs, tap (what the kernel says), results (what we make of
it), process (one run of a program), boots (as many as one platform needs), report and live (what people and machines
get to see).
"""
