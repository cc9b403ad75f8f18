"""Names of tf.estimator and its relatives that are not here, and what takes their place."""

from collections.abc import Collection

from multilayer._core.checks import did_you_mean

LINEAR = "{network} with hidden_units=[] is a linear model"
DEEP_AND_WIDE = "Give {network} all feature columns; categories through embedding_column"
TREES = "Use sklearn.ensemble.HistGradientBoosting{kind}"
BASELINE = "Use sklearn.dummy.Dummy{kind}"
LOOP = "Call train, then evaluate, in your own loop: training resumes where it stopped"
CUSTOM = "Build the network with multilayer.nn, or give MLPClassifier(network=...) one of your own"
EXPORT = "Save an MLPClassifier or MLPRegressor with multilayer.save or multilayer.to_onnx"
NUMBERS = "Convert it to numbers first, and describe them by numeric_column"

REPLACEMENTS = {
    **{
        f"{name}{kind}": text.format(network=f"DNN{kind}", kind=kind)
        for kind in ("Classifier", "Regressor")
        for name, text in {
            "Linear": LINEAR,
            "DNNLinearCombined": DEEP_AND_WIDE,
            "BoostedTrees": TREES,
            "Baseline": BASELINE,
        }.items()
    },
    "train_and_evaluate": LOOP,
    "TrainSpec": LOOP,
    "EvalSpec": LOOP,
    "Experiment": LOOP,
    "Estimator": CUSTOM,
    "EstimatorSpec": CUSTOM,
    "ModeKeys": CUSTOM,
    "DNNEstimator": CUSTOM,
    "LinearEstimator": CUSTOM,
    "export": EXPORT,
    "Exporter": EXPORT,
    "FinalExporter": EXPORT,
    "LatestExporter": EXPORT,
    "BestExporter": EXPORT,
    "WarmStartSettings": "MLPClassifier(reuse_from=...) starts from a trained network's layers",
    "SVM": "Use sklearn.svm.SVC",
    "KMeansClustering": "Use sklearn.cluster.KMeans",
    "TensorForestEstimator": "Use sklearn.ensemble.RandomForestClassifier",
    "LogisticRegressor": "Use sklearn.linear_model.LogisticRegression",
    "categorical_column_with_vocabulary_file": (
        "Read the file, and give its lines to categorical_column_with_vocabulary_list"
    ),
    "shared_embeddings": "Give each column its own embedding_column",
    "shared_embedding_columns": "Give each column its own embedding_column",
    "weighted_categorical_column": NUMBERS,
    "sequence_numeric_column": NUMBERS,
    "real_valued_column": "It is called numeric_column",
    "sparse_column_with_keys": "It is called categorical_column_with_vocabulary_list",
    "sparse_column_with_hash_bucket": "It is called categorical_column_with_hash_bucket",
    "sparse_column_with_integerized_feature": "It is called categorical_column_with_identity",
    "one_hot_column": "It is called indicator_column",
    "crossed_columns": "It is called crossed_column",
    "input_fn": "Write a function that returns (features, labels), or use numpy_input_fn",
}
"""By name; what is said ends without its full stop."""


def replacement(module: str, name: str, names: Collection[str]) -> str:
    """Return the message for a name that a module lacks, with what takes its place if known."""
    said = REPLACEMENTS.get(name)
    remedy = did_you_mean(name, names) if said is None else f"{said}."
    return f"module {module!r} has no attribute {name!r}. {remedy}".rstrip()
