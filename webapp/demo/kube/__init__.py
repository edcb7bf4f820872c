"""A small Kubernetes API server on loopback: what stands behind the dashboard's kubeconfig in the demo and in tests.

::

    server.KubeApi ── HTTPS, one thread a connection
        api.Api ───── who may (401, 403), which kind (404, 405), what it does to the store
            faults ── misbehaviour on demand, before anything else happens
            admission, patches, selectors, listing, watching, discovery ── functions on values
            store ─── all objects, and one bounded event log: watch, resume and 410 fall out of it
        kinds ─────── the table of what is served; another kind is another line
"""

from webapp.demo.kube.faults import Faults
from webapp.demo.kube.server import KubeApi
from webapp.demo.kube.store import Store

__all__ = ["Faults", "KubeApi", "Store"]
