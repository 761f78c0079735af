package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"regexp"
	"sync"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/fqdn/matchpattern"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/k8s"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slimnetworkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	ciliumtypes "github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

const cluster = "default"

func init() {
	// As the agent does; its library's own defaults are others.
	option.Config.EnableNonDefaultDenyPolicies = true
	// Without it policies for nodes say nothing.
	option.Config.EnableHostFirewall = true
	api.InitEntities(cluster)
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// askCilium judges Cilium's policies and NetworkPolicies as Cilium's agent computes them for an endpoint.
func askCilium(question Question) ([]Verdict, error) {
	entries, names, err := parsePolicies(question.Policies)
	if err != nil {
		return nil, err
	}
	identities, all := []*identity.Identity{}, identity.IdentityMap{}
	for place, endpoint := range question.Endpoints {
		made, err := identityOf(endpoint, place, names)
		if err != nil {
			return nil, err
		}
		identities = append(identities, made)
		all[made.ID] = made.LabelArray
	}
	manager := identitymanager.NewIDManager(quiet)
	secrets := certificatemanager.NewMockSecretManagerInline()
	repository := policy.NewPolicyRepository(quiet, all, nil,
		envoypolicy.NewEnvoyL7RulesTranslator(quiet, secrets), manager, testpolicy.NewPolicyMetricsNoop())
	repository.SetNamedPortsGetter(namedPorts(question, identities))
	repository.UpdateIdentities(all, nil)
	repository.GetSelectorCache().UpdateIdentities(all, nil, &sync.WaitGroup{})
	repository.MustAddPolicyEntries(entries)

	verdicts := []Verdict{}
	for _, flow := range question.Flows {
		protocol, err := u8proto.ParseProtocol(flow.Protocol)
		if err != nil {
			return nil, err
		}
		result, _, _, err := policy.LookupFlow(quiet, repository, manager, types.Flow{
			From: identities[flow.From], To: identities[flow.To], Proto: protocol, Dport: flow.Port,
			NamedPortsTCP: flow.Named,
		})
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, Verdict{
			Egress:  result.Egress == types.DecisionAllowed,
			Ingress: result.Ingress == types.DecisionAllowed,
		})
	}
	return verdicts, nil
}

// portNames tells the ports of listening pods that have names.
type portNames struct{ ciliumtypes.NamedPortMultiMap }

func (names portNames) GetNamedPorts() ciliumtypes.NamedPortMultiMap { return names.NamedPortMultiMap }

func namedPorts(question Question, identities []*identity.Identity) portNames {
	known, told := ciliumtypes.NewNamedPortMultiMap(), map[int]bool{}
	for _, flow := range question.Flows {
		if told[flow.To] || question.Endpoints[flow.To].Namespace == "" {
			continue
		}
		told[flow.To] = true
		ports := ciliumtypes.NamedPortMap{}
		for name, port := range flow.Named {
			ports[name] = ciliumtypes.PortProto{Port: port, Proto: u8proto.TCP}
		}
		known.Update(identities[flow.To].ID, nil, ports)
	}
	return portNames{known}
}

// parsePolicies gives the entries of all policies, and the names that they select addresses by.
func parsePolicies(texts []json.RawMessage) (types.PolicyEntries, []api.FQDNSelector, error) {
	entries, names := types.PolicyEntries{}, []api.FQDNSelector{}
	for _, text := range texts {
		var head struct {
			Kind string `json:"kind"`
		}
		if err := json.Unmarshal(text, &head); err != nil {
			return nil, nil, err
		}
		if head.Kind == "NetworkPolicy" {
			object := &slimnetworkingv1.NetworkPolicy{}
			if err := json.Unmarshal(text, object); err != nil {
				return nil, nil, err
			}
			parsed, err := k8s.ParseNetworkPolicy(quiet, cluster, object)
			if err != nil {
				return nil, nil, err
			}
			entries = append(entries, parsed...)
			continue
		}
		object := &ciliumv2.CiliumNetworkPolicy{}
		if err := json.Unmarshal(text, object); err != nil {
			return nil, nil, err
		}
		rules, err := object.Parse(quiet, cluster)
		if err != nil {
			return nil, nil, err
		}
		for _, rule := range rules {
			for _, egress := range rule.Egress {
				names = append(names, egress.ToFQDNs...)
			}
		}
		entries = append(entries, utils.RulesToPolicyEntries(rules)...)
	}
	return entries, names, nil
}

func identityOf(endpoint Endpoint, place int, names []api.FQDNSelector) (*identity.Identity, error) {
	if endpoint.Entity != "" {
		id := identity.GetReservedID(endpoint.Entity)
		if id == identity.IdentityUnknown {
			return nil, fmt.Errorf("there is no reserved identity %q", endpoint.Entity)
		}
		reserved := identity.LookupReservedIdentity(id)
		if len(endpoint.Labels) == 0 {
			return reserved, nil
		}
		given := labels.Map2Labels(endpoint.Labels, labels.LabelSourceK8s)
		given.MergeLabels(reserved.Labels)
		return identity.NewIdentity(id, given), nil
	}
	if endpoint.Address != "" {
		prefix, err := netip.ParsePrefix(endpoint.Address)
		if err != nil {
			return nil, err
		}
		given := labels.GetCIDRLabels(prefix)
		for _, selector := range names {
			matches, err := selects(selector, endpoint.Names)
			if err != nil {
				return nil, err
			}
			if matches {
				label := selector.IdentityLabel()
				given[label.Key] = label
			}
		}
		return identity.NewIdentity(identity.IdentityScopeLocal+identity.NumericIdentity(place)+1, given), nil
	}
	given := labels.Map2Labels(endpoint.Labels, labels.LabelSourceK8s)
	for key, value := range map[string]string{
		"io.kubernetes.pod.namespace":                                endpoint.Namespace,
		"io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name": endpoint.Namespace,
		"io.cilium.k8s.policy.cluster":                               cluster,
	} {
		given[key] = labels.NewLabel(key, value, labels.LabelSourceK8s)
	}
	return identity.NewIdentity(identity.MinimalNumericIdentity+identity.NumericIdentity(place)+1, given), nil
}

func selects(selector api.FQDNSelector, names []string) (bool, error) {
	expression, err := selector.ToRegex()
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if expression.MatchString(name + ".") {
			return true, nil
		}
	}
	return false, nil
}

// judgeRequests says which requests the rules let pass, as Cilium's proxy reads them: RE2, of the whole text.
func judgeRequests(line []byte) (answer, error) {
	var question RequestsQuestion
	if err := json.Unmarshal(line, &question); err != nil {
		return answer{}, err
	}
	matches := make([]bool, len(question.Requests))
	for _, rule := range question.Rules {
		method, err := wholeText(rule.Method)
		if err != nil {
			return answer{}, err
		}
		path, err := wholeText(rule.Path)
		if err != nil {
			return answer{}, err
		}
		for place, request := range question.Requests {
			matches[place] = matches[place] || (method.MatchString(request.Method) && path.MatchString(request.Path))
		}
	}
	return answer{Matches: matches}, nil
}

func wholeText(expression string) (*regexp.Regexp, error) {
	return regexp.Compile("^(?:" + expression + ")$")
}

// judgeNames says which names a pattern is about, as Cilium's DNS proxy has it.
func judgeNames(line []byte) (answer, error) {
	var question NamesQuestion
	if err := json.Unmarshal(line, &question); err != nil {
		return answer{}, err
	}
	expression, err := matchpattern.ValidateWithoutCache(matchpattern.Sanitize(question.Pattern))
	if err != nil {
		return answer{}, err
	}
	matches := []bool{}
	for _, name := range question.Names {
		matches = append(matches, expression.MatchString(name+"."))
	}
	return answer{Matches: matches}, nil
}
