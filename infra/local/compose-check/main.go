// Reads a compose file the way Docker Compose does and fails with what is wrong with it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithOsEnv, cli.WithName("sluice"))
	if err == nil {
		var project, loadErr = options.LoadProject(context.Background())
		if err = loadErr; err == nil {
			fmt.Printf("valid: services %v\n", project.ServiceNames())
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
