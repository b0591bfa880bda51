"""What a network is before and after its training: a description and arrays."""

from skmtl.neural._torch import imported_on_use

__getattr__ = imported_on_use(
    __name__,
    {
        **dict.fromkeys(("raw_scores_of", "scores_of_models"), "_predict"),
        "scored_together": "_scored_together",
        "few_blended": "_few_blended",
        "with_more_tasks": "_more_tasks",
        **dict.fromkeys(("heard_by_head", "inputs_of", "layers_of", "n_readers"), "_represent"),
    },
)
