"""Take control of a service, and give it back: what would be written, worked out from what is there. Pure.

::

    propose ──▶ Proposal ──▶ Wish (a form's words) ──▶ check ──▶ Choice ──▶ plan_adoption ──▶ Plan of Steps
                                                        the objects' own records ──▶ plan_return ──▶ Plan of Steps
                                                  pods of a version without route ──▶ plan_newcomer ──▶ Plan of Steps

Every plan is in an order that breaks nothing on the way: a subset is there before a route names it, and no route names
it any more before it goes. https://istio.io/latest/docs/ops/best-practices/traffic-management/#avoid-503-errors-while-reconfiguring-service-routes
"""
