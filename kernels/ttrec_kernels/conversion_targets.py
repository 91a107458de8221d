"""The embedding modules of a model by path: which there are, which can be replaced, and replacing one."""

from torch import nn

from ttrec_kernels.errors import UnsupportedError


def find_modules(model: nn.Module) -> dict[str, nn.Embedding | nn.EmbeddingBag]:
    """Embedding modules by their path, in the model's order; one that has several paths by the first."""
    found = {
        path: module for path, module in model.named_modules() if isinstance(module, nn.Embedding | nn.EmbeddingBag)
    }
    if "" in found:
        raise UnsupportedError(
            "convert replaces the embeddings inside a model, but the model is one itself: "
            "use TTEmbeddingBag.from_dense or TTEmbedding.from_dense with its weight"
        )
    return found


def refusal(module: nn.Embedding | nn.EmbeddingBag) -> str:
    """Why a tensor train cannot stand in for this module; nothing where it can."""
    if type(module) not in (nn.Embedding, nn.EmbeddingBag):
        return f"is a {type(module).__name__}, which may do more than its base class"
    if module.max_norm is not None:
        return "max_norm changes rows as they are looked up, and a tensor train has no rows to change"
    if module.scale_grad_by_freq:
        return "scale_grad_by_freq scales gradients of rows, and a tensor train has none"
    if isinstance(module, nn.EmbeddingBag) and module.mode == "max":
        return "mode='max' is not supported, use sum or mean"
    return ""


def tied_to(model: nn.Module, module: nn.Embedding | nn.EmbeddingBag) -> str:
    """Another parameter of the model that is this module's weight; nothing if there is none."""
    for path, other in model.named_modules():
        if other is module:
            continue
        for name, parameter in other.named_parameters(recurse=False):
            if parameter is module.weight:
                return f"{path}.{name}" if path else name
    return ""


def replace_module(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put `new` everywhere in the model where `old` is."""
    for parent in list(model.modules()):
        # Unlike named_children, this lists a module that one parent holds twice both times.
        for name, child in list(parent._modules.items()):
            if child is old:
                parent.register_module(name, new)
