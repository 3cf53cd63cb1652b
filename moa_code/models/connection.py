"""The way to all models of a run: paid for, within its providers' limits, retried, hedged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from moa_code.config.sections import ProviderLimits
from moa_code.core.calls import Budget
from moa_code.core.model import Completion, CompletionRequest
from moa_code.core.ports import Heard
from moa_code.models.hedged import Hedged, Hedges, Hedging, Latencies
from moa_code.models.limits import Gates
from moa_code.models.litellm_adapter import LitellmModel
from moa_code.models.metered import Metered
from moa_code.models.retry import Retrying
from moa_code.models.spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What all connections of one process share, so that many runs at once keep their providers' limits together:
    places, how long models take to answer, how many calls were hedged. For one event loop.
    """

    gates: Gates = field(default_factory=Gates)
    latencies: Latencies = field(default_factory=Latencies)
    hedges: Hedges = field(default_factory=Hedges)


class Connection:
    """A `Model` for several models by name. What is innermost comes first: asking, paying, hedging, asking again."""

    def __init__(
        self,
        specs: Iterable[ModelSpec],
        environment: Mapping[str, str],
        budget: Budget,
        *,
        seed: int = 0,
        limits: Mapping[str, ProviderLimits] | None = None,
        hedging: Hedging | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        """`limits` go by litellm's name of the provider; for a server of the user's own by its address or its name."""
        specs = tuple(specs)
        traffic = traffic or Traffic()
        for spec in specs:
            own = limits_of(spec, limits or {})
            traffic.gates.know(spec.name, spec.provider, own)
        self.traffic = traffic
        self._adapter = LitellmModel(specs, environment)
        paid = Metered(self._adapter, budget, self._adapter.price, at_cut=self._adapter.tokens_at_cut)
        hedged = Hedged(paid, traffic.gates, traffic.latencies, hedging, hedges=traffic.hedges)
        self._model = Retrying(hedged, rng=Random(seed), gates=traffic.gates, seconds_left=lambda: budget.seconds_left)

    async def warm(self) -> None:
        """Load what the first call needs; about 3 s, in a thread. Any number of times. Raises `ModelError`."""
        await self._adapter.warm()

    async def complete(self, request: CompletionRequest, heard: Heard | None = None) -> Completion:
        return await self._model.complete(request, heard)

    async def aclose(self) -> None:
        await self._model.aclose()


def limits_of(spec: ModelSpec, limits: Mapping[str, ProviderLimits]) -> ProviderLimits | None:
    """What the user has said of the provider of this model. A model of a named server is `server/model`."""
    server, _, rest = spec.name.partition("/")
    named = spec.base_url is not None and "://" not in rest
    return limits.get(spec.provider, limits.get(server) if named else None)
