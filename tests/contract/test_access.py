"""Who may: 401, 403, access reviews."""

USER_CANNOT = (
    'virtualservices.networking.istio.io "reviews" is forbidden: User "{user}" cannot patch resource '
    '"virtualservices" in API group "networking.istio.io" in the namespace "{namespace}"'
)


def test_unknown_token(cluster):
    answer = cluster.call("GET", f"{cluster.istio}/virtualservices", headers={"authorization": "Bearer wrong"})
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    assert answer.status == 401


def test_the_name_of_the_scheme_may_be_written_small(cluster):
    """As in pods: the Python client writes `bearer` there, and `Bearer` elsewhere."""
    given = cluster.client.configuration.auth_settings()["BearerToken"]["value"].partition(" ")[2]
    assert cluster.call("GET", "/version", headers={"authorization": f"bearer {given}"}).status == 200


def test_missing_right(cluster):
    cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    operations = [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 50}]
    with cluster.forbidding("patch", "virtualservices"):
        answer = cluster.patch(path, operations)
        assert cluster.call("GET", path).status == 200
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    user = answer.body["message"].split('User "')[1].split('"')[0]
    assert answer.body["message"] == USER_CANNOT.format(user=user, namespace=cluster.namespace)
    assert answer.body["details"] == {"name": "reviews", "group": "networking.istio.io", "kind": "virtualservices"}
    assert cluster.patch(path, operations).status == 200


def test_missing_right_over_all_namespaces(cluster):
    with cluster.forbidding("list", "pods"):
        answer = cluster.call("GET", "/api/v1/pods")
    assert answer.body["message"].startswith("pods is forbidden: User ")
    assert answer.body["message"].endswith('cannot list resource "pods" in API group "" at the cluster scope')
    assert answer.body["details"] == {"kind": "pods"}


def review(cluster, verb, resource):
    spec = {
        "resourceAttributes": {
            "group": "networking.istio.io",
            "resource": resource,
            "verb": verb,
            "namespace": cluster.namespace,
        }
    }
    wanted = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    answer = cluster.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", wanted)
    assert (answer.status, answer.body["kind"], answer.body["spec"]) == (201, "SelfSubjectAccessReview", spec)
    return answer.body["status"]["allowed"]


def test_access_review(cluster):
    assert review(cluster, "patch", "virtualservices") is True
    with cluster.forbidding("patch", "virtualservices"):
        assert review(cluster, "patch", "virtualservices") is False
        assert review(cluster, "get", "virtualservices") is True
