"""How hyperparameters of ``mindspore.nn``'s optimizers are drawn: for each class, those that are its own."""

from hypothesis import strategies as st


def between(low, high):
    """Numbers as users write them, of four digits."""
    return st.floats(low, high).map(lambda x: min(max(float(f"{x:.4f}"), low), high))


RATE = between(0.001, 0.06)
BETAS = {"beta1": between(0.0001, 0.999), "beta2": between(0.1, 0.9999)}
EPS = st.sampled_from([1e-8, 1e-6, 1e-4, 1e-2])
ADAM = {**BETAS, "eps": EPS, "use_nesterov": st.booleans(), "use_locking": st.booleans()}
OWN = {
    "ASGD": {"lambd": between(0.0, 0.5), "alpha": between(0.0, 1.5), "t0": st.sampled_from([0.0, 2.0, 3.5, 1e6])},
    "AdaFactor": {
        "clip_threshold": between(0.5, 2.0),
        "decay_rate": between(0.1, 1.0),
        "beta1": between(0.1, 0.98),
        "scale_parameter": st.booleans(),
    },
    "AdaMax": {**BETAS, "eps": EPS},
    "Adadelta": {"rho": between(0.0, 0.998), "epsilon": st.sampled_from([1e-6, 1e-4, 1e-2])},
    "Adagrad": {"accum": between(0.0, 2.0)},
    "Adam": {**ADAM, "use_amsgrad": st.booleans()},
    "AdamOffload": ADAM,
    "AdamWeightDecay": {**BETAS, "eps": EPS},
    "FTRL": {
        "initial_accum": between(0.1, 2.0),
        "lr_power": st.one_of(st.just(-0.5), between(-1.0, 0.0)),
        "l2": between(0.0, 0.5),
    },
    "LazyAdam": ADAM,
    "Momentum": {"momentum": between(0.0, 0.99)},
    "ProximalAdagrad": {"accum": between(0.1, 2.0), "l1": between(0.0, 0.3), "l2": between(0.0, 0.5)},
    "RMSProp": {"decay": between(0.5, 0.998), "momentum": between(0.0, 0.98)},
    "Rprop": {
        "etas": st.tuples(between(0.1, 0.9), between(1.05, 2.0)).map(list).map(lambda v: {"$tuple": v}),
        "step_sizes": st.tuples(between(0.0, 0.001), between(0.06, 2.0)).map(lambda v: {"$tuple": list(v)}),
    },
    "SGD": {},
}
