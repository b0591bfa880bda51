"""Whether exports say what estimators say."""

import numpy as np

from skmtl.export._run import inputs_of

RTOL = 1e-4


def run(model, X):
    """Outputs of an ONNX model by name."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs_of(model, X)), strict=True))


def assert_agree(answers, outputs, estimator, X, rtol=RTOL):
    """`predict`, `predict_proba` and `predict_quantiles`, up to a share of the largest value.

    Classes are labels, or positions in whole numbers where labels are not.
    """
    predicted = np.asarray(estimator.predict(X)).reshape(len(answers[outputs[0].name]), -1)
    ask = {"probabilities": "predict_proba", "quantiles": "predict_quantiles"}
    for output in outputs:
        found = answers[output.name]
        if output.kind == "prediction" and output.classes is not None:
            labels = output.classes
            if found.dtype.kind in "iu" and labels.dtype.kind not in "iu":
                found = labels[found]
            wanted = predicted[:, output.column]
            assert found.tolist() == wanted.astype(labels.dtype).tolist()
            continue
        if output.kind == "prediction":
            wanted = predicted[:, output.column].astype(np.float64)
        else:
            wanted = getattr(estimator, ask[output.kind])(X)
            wanted = wanted[output.column] if isinstance(wanted, list) else wanted
        assert found.shape == wanted.shape
        finite = np.isfinite(wanted)
        scale = np.abs(wanted[finite]).max(initial=0.0)
        np.testing.assert_allclose(found, wanted, rtol=0.0, atol=rtol * scale + 1e-12)
