// Asks implementations that are not ours what policies say, so that our own evaluator can be compared with them.
//
// Standard input: one question a line, as JSON. Standard output: one answer a line, in the same order.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// Question is about policies and about all flows among some endpoints.
type Question struct {
	Policies  []json.RawMessage `json:"policies"`
	Endpoints []Endpoint        `json:"endpoints"`
	Flows     []Flow            `json:"flows"`
}

// Endpoint is a pod (namespace and labels), an address with the names it was answered for, or a reserved identity: that of the
// host may have a node's labels.
type Endpoint struct {
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Address   string            `json:"address"`
	Names     []string          `json:"names"`
	Entity    string            `json:"entity"`
}

// Flow goes from one endpoint to another, by their places in the list. The port of ICMP is its type.
type Flow struct {
	From     int               `json:"from"`
	To       int               `json:"to"`
	Protocol string            `json:"protocol"`
	Port     uint16            `json:"port"`
	Named    map[string]uint16 `json:"named"`
}

// Verdict says whether each side lets the flow pass.
type Verdict struct {
	Egress  bool `json:"egress"`
	Ingress bool `json:"ingress"`
}

// NamesQuestion is about a pattern of DNS names.
type NamesQuestion struct {
	Pattern string   `json:"pattern"`
	Names   []string `json:"names"`
}

// Request is what is asked, or a rule of expressions for it.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

// RequestsQuestion is about HTTP rules of which any may let a request pass.
type RequestsQuestion struct {
	Rules    []Request `json:"rules"`
	Requests []Request `json:"requests"`
}

type answer struct {
	Verdicts []Verdict `json:"verdicts,omitempty"`
	Matches  []bool    `json:"matches,omitempty"`
	Error    string    `json:"error,omitempty"`
}

func main() {
	judge, known := map[string]func([]byte) (answer, error){
		"cilium":   judgeWith(askCilium),
		"cyclonus": judgeWith(askCyclonus),
		"names":    judgeNames,
		"requests": judgeRequests,
	}[lastWord()]
	if !known {
		fmt.Fprintln(os.Stderr, "usage: judges cilium|cyclonus|names|requests")
		os.Exit(2)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		given, err := judge(lines.Bytes())
		if err != nil {
			given = answer{Error: err.Error()}
		}
		if err := out.Encode(given); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func lastWord() string {
	return os.Args[len(os.Args)-1]
}

func judgeWith(ask func(Question) ([]Verdict, error)) func([]byte) (answer, error) {
	return func(line []byte) (answer, error) {
		var question Question
		if err := json.Unmarshal(line, &question); err != nil {
			return answer{}, err
		}
		verdicts, err := ask(question)
		return answer{Verdicts: verdicts}, err
	}
}
