"""Where every promise, and every row on bad input, is tested; `test_fault_map.py` checks the table.

Of each: what is given and what it gets, in a few words, and tests. Paths are below ``tests``.
"""

PROMISES = {
    "the same data, seed and versions give the same bits": [
        "test_promises.py::test_p1_same_seed_same_bits"
    ],
    "n_jobs and backends change no result": [
        "test_common.py::test_two_jobs_give_the_same_scores",
        "neural/architectures/test_every_architecture.py::test_row_38_two_jobs_give_the_same_scores",
    ],
    "float32 and float64 agree": ["test_promises.py::test_p3_float32_and_float64_agree"],
    "random state, threads, filters, grad mode stay": [
        "test_promises.py::test_p4_global_state_is_untouched"
    ],
    "inputs are never modified": ["test_promises.py::test_p5_inputs_are_untouched"],
    "an unobserved label has no influence": [
        "test_promises.py::test_p6_an_unobserved_label_has_no_influence"
    ],
    "permuted tasks, permuted results": [
        "linear/estimators/test_linear.py::test_permuting_tasks_and_rows",
        "neural/estimators/test_mlp.py::test_p7_permuted_tasks_permute_predictions",
        "kernel/test_kernel_ridge.py::test_permuted_tasks",
        "compose/test_independent.py::test_permuting_tasks_permutes_predictions",
    ],
    "a failed fit leaves the estimator as it was": [
        "test_promises.py::test_p8_a_failed_fit_leaves_the_estimator_as_it_was"
    ],
    "a pickle predicts equally": [
        "test_promises.py::test_p9_pickle_predicts_equally",
        "neural/test_elsewhere.py::test_the_device_is_another",
    ],
    "no network": ["datasets/test_loaders.py::test_no_network"],
    "integer weights are repeated rows": [
        "linear/estimators/test_linear.py::test_weights_are_repeated_rows",
        "kernel/test_kernel_ridge.py::test_weights_are_repeated_rows",
        "uncertainty/test_calibrated_tasks.py::test_weights_are_repeated_rows",
    ],
    "one complete task is scikit-learn's model": [
        "linear/estimators/test_linear.py::test_one_task_is_ridge"
    ],
    "any chunks in any order are one pass": [
        "linear/estimators/test_partial_fit.py::test_a_hundred_chunks_are_one_fit",
        "linear/estimators/test_partial_fit.py::test_statistics_add_up_in_any_order",
    ],
    "a task without labels changes no other": [
        "linear/estimators/test_reduced_rank.py::test_a_task_without_labels_or_weight_changes_no_other"
    ],
    "units of targets do not matter": [
        "compose/test_target_scaler.py::test_scale_of_targets_does_not_matter",
        "linear/solvers/test_scales.py::test_units_of_the_features",
    ],
}

F, NF = "test_faults.py::test_row", "neural/training/test_faults.py::test_row"
ROWS = {
    1: ("NaN in X", [f"{F}_1_nan_in_x"]),
    2: ("infinity in X or y", [f"{F}_2_infinity"]),
    3: ("missing labels of every kind", [f"{F}_3_every_way_of_missing_is_the_same"]),
    4: ("a task without labels", [f"{F}_4_a_task_without_labels"]),
    5: ("a task with one label", [f"{F}_5_a_task_with_one_label"]),
    6: ("a row without labels", [f"{F}_6_a_row_without_labels_has_no_effect"]),
    7: ("no label anywhere", [f"{F}_7_no_label_anywhere"]),
    8: ("one class only", [f"{F}_8_one_class"]),
    9: ("a class not seen in fit", [f"{F}_9_a_class_not_seen_in_fit"]),
    10: ("floats with few whole values", [f"{F}s_10_to_12_inference_and_1d"]),
    11: (
        "0 and 1 with gaps",
        [
            "tasks/test_every_type.py::test_row_11_classes_of_a_float_column_with_missing_labels_are_whole_numbers"
        ],
    ),
    12: ("1-D y", [f"{F}s_10_to_12_inference_and_1d"]),
    13: ("wrong shapes", [f"{F}_13_shapes"]),
    14: ("task names", [f"{F}_14_task_names"]),
    15: ("other columns in predict", [f"{F}_15_features_of_predict"]),
    16: ("y of score in another order", [f"{F}_16_y_of_score_is_matched_by_name"]),
    17: ("sample_weight that is none", [f"{F}_17_sample_weight"]),
    18: ("a weight on nothing", [f"{F}_18_a_weight_on_nothing_is_ignored"]),
    19: ("task_weight", [f"{F}_19_task_weight"]),
    20: ("a constant target", [f"{F}_20_constant_target"]),
    21: ("labels of another type", [f"{F}_21_labels_that_do_not_fit_their_type"]),
    22: ("a loss that is not finite", [f"{NF}_22_without_a_finite_epoch"]),
    23: (
        "a loss that explodes",
        [
            "neural/training/test_divergence.py::test_row_23_a_million_times_the_first_loss_is_the_limit"
        ],
    ),
    24: (
        "Ctrl-C",
        [f"{NF}_24_ctrl_c_keeps_the_best_complete_epoch", f"{NF}_24_a_search_stops_too"],
    ),
    25: (
        "an exception of a callback",
        [
            "neural/training/test_callbacks.py::test_row_25_an_exception_propagates_and_nothing_changes"
        ],
    ),
    26: ("a batch without labels of a task", [f"{NF}_26_batches_without_labels_for_a_task"]),
    27: ("a last batch of one row", [f"{NF}s_27_and_28_any_number_of_rows"]),
    28: ("few rows", [f"{NF}s_27_and_28_any_number_of_rows"]),
    29: (
        "p > n, collinear or constant columns",
        ["linear/solvers/test_solvers.py::test_more_features_than_rows_collinear_and_constant"],
    ),
    30: (
        "alpha",
        [
            "linear/estimators/test_linear.py::test_invalid_numbers",
            "linear/solvers/test_solvers.py::test_huge_alpha_gives_exact_zeros",
        ],
    ),
    31: (
        "max_iter reached",
        ["linear/estimators/test_linear.py::test_max_iter_is_a_warning_with_gap_and_tolerance"],
    ),
    32: ("any container of X", [f"{F}_32_containers_of_x", f"{F}_32_read_only_memory_map"]),
    33: ("no torch", ["test_import.py::test_neural_half_without_torch_says_what_to_install"]),
    34: ("a device that is not there", [f"{NF}_34_a_device_that_is_not_there"]),
    35: (
        "out of memory",
        ["neural/test_environment.py::test_row_35_out_of_memory_says_what_helps"],
    ),
    36: (
        "a damaged, newer or foreign file",
        [
            "persistence/test_file.py::test_a_damaged_file_is_told",
            "persistence/test_file.py::test_names_of_anything_else_are_refused",
        ],
    ),
    37: (
        "resume with other parameters",
        ["neural/training/test_checkpoint.py::test_row_37_differences_are_named"],
    ),
    38: (
        "processes inside processes",
        [
            "test_threads.py::test_row_38_nested_jobs_change_nothing",
            "neural/test_environment.py::test_row_38_a_forked_child_does_not_hang",
        ],
    ),
    39: ("random_state", [f"{F}_39_random_state"]),
    40: (
        "statistics of other columns",
        [
            "linear/estimators/test_partial_fit.py::test_statistics_of_other_columns",
            "linear/estimators/test_partial_fit.py::test_far_from_zero",
        ],
    ),
    41: (
        "cross_val_predict with gaps",
        ["test_common.py::test_cross_val_predict_says_what_it_does_to_labels"],
    ),
    42: ("an unknown task in predict", [f"{F}_42_unknown_task"]),
    43: (
        "a penalty and a solver that do not fit",
        ["linear/estimators/test_linear.py::test_pairs_that_do_not_fit"],
    ),
    44: ("names of tasks that differ", ["test_names.py::test_refused"]),
    45: ("an estimator for no task", ["compose/test_given.py::test_an_estimator_for_no_task"]),
    46: ("rows sorted by task", [f"{F}_46_a_search_by_blocks_says_so_once"]),
    47: (
        "scores of a few of the rows",
        ["model_selection/test_folds.py::test_little_is_told_with_its_share"],
    ),
    48: (
        "nothing shared, nothing learned",
        [
            "neural/architectures/test_architecture_with_balancing.py::test_row_48_any_method_says_that_no_hidden_layer_is_shared",
            "linear/estimators/test_zero.py::test_a_fit_of_zeros_warns_with_alpha_max_and_what_chooses_alpha",
            "neural/estimators/test_worse_than_constant.py::test_one_warning_that_names_tasks_and_the_way_out",
        ],
    ),
    49: (
        "columns of X that are no numbers",
        [
            "test_tables.py::test_what_holds_other_estimators_names_the_columns_too",
            "compose/test_features.py::test_boosting_with_gaps_and_categories",
        ],
    ),
    50: ("1-D whole labels", ["tasks/test_infer.py::test_warns_and_raises_as_a_fit_does"]),
    51: (
        "a file of another version",
        [
            "test_versions.py::test_another_version_is_told_with_both_numbers",
            "persistence/test_file.py::test_a_newer_format_and_another_version",
        ],
    ),
}
