from . import inner

FACTOR = 2


def weigh(items):
    return FACTOR * sum(items) + inner.EXTRA


def wrong_import():
    import missing_module_of_nobody  # noqa: F401
