"""A Hydra launcher for one machine: a process per job, a queue over its GPUs or cores, sweeps that can be resumed.

    python train.py -m hydra/launcher=slots model=base,large seed=0,1,2
    python -m hydra_plugins.slots_launcher multirun      # the sweep's table, from its directories alone

docs/launcher.md says what it does and what a program has to do to be resumed. Only ``launcher.py`` is a plugin: Hydra
executes every other module here whose name does not begin with an underscore a second time, so theirs do.
"""

__version__ = "0.1.0"
