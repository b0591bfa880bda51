"""The only training loop, and what surrounds it."""

from skmtl.neural._torch import imported_on_use

__getattr__ = imported_on_use(
    __name__,
    {
        "CosineProbe": "_probe",
        "LookAheadProbe": "_probe",
        "draw_seed": "_settings",
        "fine_tune": "_fine_tune",
        "fit_network": "_fit",
        "fit_stack": "_stack",
        "partial_fit_network": "_fit",
        "read_setting": "_settings",
        "resolve": "_settings",
        "same_structure": "_stack",
    },
)
