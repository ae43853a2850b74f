"""What is recorded of the use of keys.

Requests are counted exactly, by key and hour, in the gateway's table (`gateway.usage_table`), which costs a
request some microseconds and no write to the database. From there the background worker takes the numbers
over (`rollup`).

By what and from where a key was used is gathered beside it in each web worker (`gather`, in memory that is
bounded by `tally`) and written once a second (`splits`). Of a worker that is killed, the last second of that
is lost.

`report` reads both for who asks.
"""
