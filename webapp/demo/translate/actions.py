"""What one HTTP route does, as the rest of an Envoy Route: destinations, redirects, header changes, faults.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute
https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-route
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from webapp.demo.translate.headers import header_changes
from webapp.demo.translate.matches import Envoy, Untranslatable, checked_regex
from webapp.demo.translate.values import duration, fraction, whole_number
from webapp.istio.objects import Destination, HttpRoute
from webapp.istio.parse_values import integer, mapping, text

ClusterOf: TypeAlias = Callable[[Destination], str]
Note: TypeAlias = Callable[[str], None]

LARGEST_SUM = 2**32 - 1
"""Envoy refuses weights whose sum is larger."""

_KNOWN = {
    *("name", "match", "route", "redirect", "directResponse", "delegate", "rewrite", "timeout", "retries", "fault"),
    *("mirror", "mirrors", "mirrorPercentage", "headers"),
}
_REDIRECT_CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled"
"""What Istio retries on where `attempts` are given and `retryOn` is not."""


def route_action(route: HttpRoute, cluster_of: ClusterOf, note: Note) -> Envoy:
    """Return a Route without its match; `note` is told each thing that is not translated.

    A route whose whole action can't be expressed answers 501 itself: left out, later routes would take its requests.
    """
    for key in sorted(route.raw.keys() - _KNOWN):
        note(key)
    try:
        if route.redirect is not None:
            action = {"redirect": _redirect(route.redirect, note)}
        elif route.direct_response is not None:
            action = {"direct_response": _direct_response(route.direct_response)}
        elif route.delegate is not None:
            raise Untranslatable("delegate")
        else:
            action = _forward(route, cluster_of, note)
    except Untranslatable as reason:
        note(f"{reason}; its requests are answered with 501")
        return {"direct_response": {"status": 501, "body": {"inline_string": f"not translated: {reason}\n"}}}
    changes = header_changes(route.headers, note)
    if literal := changes.pop("host_rewrite_literal", None):
        action.get("route", {})["host_rewrite_literal"] = literal
    for name, values in changes.items():
        # A single destination's come after the route's own, so that its word is the last.
        action[name] = values + action.get(name, [])
    if route.fault is not None:
        action["typed_per_filter_config"] = {"envoy.filters.http.fault": _fault(route.fault, note)}
    return action


def _forward(route: HttpRoute, cluster_of: ClusterOf, note: Note) -> Envoy:
    """Return the action of a route with destinations: one cluster, or several by weight.

    Istio's own default of two retries is left out on purpose: the demo's tests count requests on both sides.
    Without a `timeout` there is none, as in Istio.
    """
    if not route.route:
        raise Untranslatable("a route without destinations")
    forward: Envoy = {"timeout": _duration(route.timeout, "timeout", note) or "0s"}
    changes: Envoy = {}
    if len(route.route) == 1:
        # A single destination takes all, and its header changes stand beside the route's own.
        forward["cluster"] = cluster_of(route.route[0].destination)
        changes = header_changes(route.route[0].headers, note)
        if literal := changes.pop("host_rewrite_literal", None):
            forward["host_rewrite_literal"] = literal
    else:
        if not 0 < sum(route.weights) <= LARGEST_SUM or min(route.weights) < 0:
            raise Untranslatable(f"weights that sum to {sum(route.weights)}")
        forward["weighted_clusters"] = {
            "clusters": [
                {"name": cluster_of(each.destination), "weight": weight, **header_changes(each.headers, note)}
                for each, weight in zip(route.route, route.weights, strict=True)
            ]
        }
    if retries := _retries(route.retries, note):
        forward["retry_policy"] = retries
    if mirrors := _mirrors(route, cluster_of, note):
        forward["request_mirror_policies"] = mirrors
    return {"route": {**forward, **_rewrite(route.rewrite or {})}, **changes}


def _rewrite(rewrite: Mapping[str, Any]) -> Envoy:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRewrite"""
    translated: Envoy = {}
    if regex := mapping(rewrite.get("uriRegexRewrite")):
        pattern = {"regex": checked_regex(text(regex.get("match")))}
        translated["regex_rewrite"] = {"pattern": pattern, "substitution": text(regex.get("rewrite"))}
    elif uri := text(rewrite.get("uri")):
        translated["prefix_rewrite"] = uri
    if authority := text(rewrite.get("authority")):
        translated["host_rewrite_literal"] = authority
    return translated


def _redirect(redirect: Mapping[str, Any], note: Note) -> Envoy:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRedirect"""
    code = redirect.get("redirectCode") or 301
    if integer(code) not in _REDIRECT_CODES:
        raise Untranslatable(f"the redirect code {code}")
    uri = text(redirect.get("uri"))
    if "%PREFIX()%" in uri:
        raise Untranslatable("%PREFIX()% in a redirect")
    if redirect.get("derivePort") == "FROM_REQUEST_PORT":
        note("redirect.derivePort")
    fields = {
        "path_redirect": uri,
        "host_redirect": text(redirect.get("authority")),
        "port_redirect": integer(redirect.get("port")),
        "scheme_redirect": text(redirect.get("scheme")),
    }
    return {"response_code": _REDIRECT_CODES[code], **{name: value for name, value in fields.items() if value}}


def _direct_response(response: Mapping[str, Any]) -> Envoy:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPDirectResponse"""
    translated: Envoy = {"status": whole_number(response.get("status"), "directResponse.status", low=200, high=599)}
    body = mapping(response.get("body"))
    if string := text(body.get("string")):
        translated["body"] = {"inline_string": string}
    elif encoded := text(body.get("bytes")):
        translated["body"] = {"inline_bytes": encoded}
    return translated


def _retries(retries: Mapping[str, Any] | None, note: Note) -> Envoy | None:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry"""
    if not retries or not retries.get("attempts"):
        return None
    for key in sorted(retries.keys() - {"attempts", "perTryTimeout", "retryOn", "retryIgnorePreviousHosts"}):
        note(f"retries.{key}")
    conditions = [each.strip() for each in str(retries.get("retryOn") or _RETRY_ON).split(",") if each.strip()]
    codes = [int(each) for each in conditions if each.isdecimal()]
    names = [each for each in conditions if not each.isdecimal()] + (["retriable-status-codes"] if codes else [])
    translated: Envoy = {
        "num_retries": whole_number(retries["attempts"], "retries.attempts", low=0, high=2**31 - 1),
        "retry_on": ",".join(dict.fromkeys(names)),
        "host_selection_retry_max_attempts": "5",
    }
    if codes:
        translated["retriable_status_codes"] = codes
    if each_try := _duration(retries.get("perTryTimeout"), "retries.perTryTimeout", note):
        translated["per_try_timeout"] = each_try
    if retries.get("retryIgnorePreviousHosts") is not False:
        previous = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
        predicate = {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": previous}}
        translated["retry_host_predicate"] = [predicate]
    return translated


def _fault(fault: Mapping[str, Any], note: Note) -> Envoy:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection"""
    translated: Envoy = {"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"}
    delay, abort = mapping(fault.get("delay")), mapping(fault.get("abort"))
    for name, part, known in (("delay", delay, "fixedDelay"), ("abort", abort, "httpStatus")):
        for key in sorted(part.keys() - {known, "percentage", "percent"}):
            note(f"fault.{name}.{key}")
    try:
        if "fixedDelay" in delay:
            translated["delay"] = {"percentage": fraction(delay), "fixed_delay": duration(delay["fixedDelay"])}
        if "httpStatus" in abort:
            status = whole_number(abort["httpStatus"], "fault.abort.httpStatus", low=200, high=599)
            translated["abort"] = {"percentage": fraction(abort), "http_status": status}
    except Untranslatable as reason:
        note(f"fault: {reason}")
    return translated


def _mirrors(route: HttpRoute, cluster_of: ClusterOf, note: Note) -> list[Envoy]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMirrorPolicy"""
    policies = list(route.mirrors)
    if route.mirror is not None:
        percentage = route.raw.get("mirrorPercentage")
        policies.insert(0, {"destination": route.mirror, "percentage": percentage})
    translated = []
    for policy in policies:
        raw = mapping(policy.get("destination"))
        port = integer(mapping(raw.get("port")).get("number"))
        destination = Destination(text(raw.get("host")), text(raw.get("subset")) or None, port)
        try:
            translated.append(
                {"cluster": cluster_of(destination), "runtime_fraction": {"default_value": fraction(policy)}}
            )
        except Untranslatable as reason:
            note(f"mirror: {reason}")
    return translated


def _duration(written: object, name: str, note: Note) -> str | None:
    """Return a duration, None where there is none or where it can't be read, which is noted."""
    if not written:
        return None
    try:
        return duration(written)
    except Untranslatable as reason:
        note(f"{name}: {reason}")
        return None
