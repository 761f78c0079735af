package main

import (
	"encoding/json"
	"strings"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// askCyclonus judges NetworkPolicies as the tool does that tests network plugins.
func askCyclonus(question Question) ([]Verdict, error) {
	policies := []*networkingv1.NetworkPolicy{}
	for _, text := range question.Policies {
		policy := &networkingv1.NetworkPolicy{}
		if err := json.Unmarshal(text, policy); err != nil {
			return nil, err
		}
		if len(policy.Spec.PolicyTypes) == 0 {
			// As the API server does before anybody else sees it.
			policy.Spec.PolicyTypes = append(policy.Spec.PolicyTypes, networkingv1.PolicyTypeIngress)
			if len(policy.Spec.Egress) > 0 {
				policy.Spec.PolicyTypes = append(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
			}
		}
		policies = append(policies, policy)
	}
	rules := matcher.BuildNetworkPolicies(false, policies)
	verdicts := []Verdict{}
	for _, flow := range question.Flows {
		result := rules.IsTrafficAllowed(&matcher.Traffic{
			Source:           trafficPeer(question.Endpoints[flow.From]),
			Destination:      trafficPeer(question.Endpoints[flow.To]),
			ResolvedPort:     int(flow.Port),
			ResolvedPortName: nameOf(flow, question.Endpoints[flow.To]),
			Protocol:         v1.Protocol(flow.Protocol),
		})
		verdicts = append(verdicts, Verdict{Egress: result.Egress.IsAllowed(), Ingress: result.Ingress.IsAllowed()})
	}
	return verdicts, nil
}

func trafficPeer(endpoint Endpoint) *matcher.TrafficPeer {
	if endpoint.Address != "" {
		return &matcher.TrafficPeer{IP: strings.Split(endpoint.Address, "/")[0]}
	}
	return &matcher.TrafficPeer{
		// Of no range that a policy here names: ranges are for what is outside of the cluster.
		IP: "100.64.0.1",
		Internal: &matcher.InternalPeer{
			PodLabels:       endpoint.Labels,
			Namespace:       endpoint.Namespace,
			NamespaceLabels: map[string]string{"kubernetes.io/metadata.name": endpoint.Namespace},
		},
	}
}

func nameOf(flow Flow, listening Endpoint) string {
	if listening.Namespace == "" || flow.Protocol != "TCP" {
		return ""
	}
	for name, port := range flow.Named {
		if port == flow.Port {
			return name
		}
	}
	return ""
}
