"""What the gateway costs, each figure beside a yardstick measured in the same minutes: ``make bench``.

Whatever is compared is measured in turns, A B C A B C …, so that a noisy machine is noisy for all, and a
ratio is the median of the rounds' ratios. Everything runs on this machine's loopback and unix sockets, in a
folder of its own that is removed at the end. Aims are printed beside what was measured; none of them makes
the command fail.
"""
