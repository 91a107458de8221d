"""The lookup ops for NVIDIA GPUs: CUDA sources beside the modules of the same name that launch them.

Only `launch` imports CuPy, and only inside functions. Memory is torch's, and so is the stream; nothing waits for the
device, so a training step can be captured in a CUDA graph once `launch.warm_up` has compiled and loaded the kernels.
"""
