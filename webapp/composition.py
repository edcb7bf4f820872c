"""The long-lived objects of one process, made once and handed in."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.cluster.cluster import Cluster
from webapp.live import Live
from webapp.metrics import Metrics
from webapp.returns import Returns
from webapp.settings import Settings
from webapp.traffic.prober import Prober, trust
from webapp.traffic.samplers import Samplers
from webapp.traffic.stream import Hub


@dataclass(frozen=True, slots=True)
class Adapters:
    """Everything that views may ask for."""

    settings: Settings
    cluster: Cluster
    live: Live
    metrics: Metrics
    prober: Prober
    returns: Returns

    def start(self) -> None:
        """Start the threads; called after the fork."""
        self.cluster.start()
        self.live.start()
        if not self.settings.read_only:
            self.returns.start()

    def stop(self) -> None:
        """Stop and join the threads, in reverse."""
        self.returns.stop()
        self.live.stop()
        self.cluster.stop()
        self.prober.close()

    def threads(self) -> dict[str, bool]:
        """Name what has to be alive, and whether it is."""
        alive = {"cluster": self.cluster.is_alive(), "live": self.live.is_alive()}
        return alive if self.settings.read_only else alive | {"returns": self.returns.is_alive()}


def build_adapters(settings: Settings) -> Adapters:
    """Make the real adapters; starts no thread and opens no connection.

    :raises InvalidSetting: the kubeconfig can't be used.
    """
    metrics = Metrics()
    cluster = Cluster(settings)
    prober = Prober(ssl_context=trust(authorities=settings.gateway_ca, insecure=settings.gateway_insecure))
    samplers = Samplers(prober)
    metrics.samplers.set_function(lambda: len(samplers.running))
    live = Live(settings, cluster=cluster, samplers=samplers, hub=Hub(settings.max_viewers), metrics=metrics)
    returns = Returns(cluster, metrics, history=settings.history)
    return Adapters(settings=settings, cluster=cluster, live=live, metrics=metrics, prober=prober, returns=returns)
