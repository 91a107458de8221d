"""TT lookups compiled for the CPU by Numba: the same functions as `reference`, one call for all tables.

Maths: the distinct rows of a batch form a trie of digits. A node at level k is a distinct prefix (i_1 … i_k); its
matrix L_k (q_1⋯q_k, r_k) is its parent's times the slice G_k[i_k], so a row looked up twice is computed once and a
shared prefix multiplied once. The nodes of a level are visited digit by digit: one slice stays in the L1 cache, and
its gradient has one owner, so results are bit-equal whatever the number of threads.

Work of one lookup at q = (2, 2, 4), r = 32, nothing shared: 9.2 kFLOP forward, 18.4 kFLOP backward from kept
prefixes; bytes: slices of 256, 8192 and 512, of which the middle one comes from L1 but once per digit and batch.
"""
