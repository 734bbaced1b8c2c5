// Command alloy parses a configuration of Grafana Alloy with Alloy's own parser and prints, as JSON, its components and
// what each refers to. It knows the language, not the components: whether their arguments exist is for Alloy to say.
//
//	alloy FILE
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/parser"
)

// A block at the top of the file, e.g. loki.write "loki", and what its arguments name, e.g. loki.write.loki.receiver.
type component struct {
	Name       string   `json:"name"`
	References []string `json:"references"`
}

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: alloy FILE"))
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail(err)
	}
	file, err := parser.ParseFile(os.Args[1], text)
	if err != nil {
		fail(err)
	}
	components := []component{}
	for _, statement := range file.Body {
		block, isBlock := statement.(*ast.BlockStmt)
		if !isBlock {
			fail(fmt.Errorf("an argument outside of every block"))
		}
		name := append([]string{}, block.Name...)
		if block.Label != "" {
			name = append(name, block.Label)
		}
		found := &references{names: []string{}}
		ast.Walk(found, block)
		components = append(components, component{strings.Join(name, "."), found.names})
	}
	if err := json.NewEncoder(os.Stdout).Encode(components); err != nil {
		fail(err)
	}
}

type references struct{ names []string }

// Visit implements ast.Visitor: the longest chain of names is a reference, what is inside of it is part of it.
func (found *references) Visit(node ast.Node) ast.Visitor {
	switch expression := node.(type) {
	case *ast.AccessExpr:
		found.names = append(found.names, dotted(expression))
		return nil
	case *ast.IdentifierExpr:
		found.names = append(found.names, dotted(expression))
		return nil
	}
	return found
}

func dotted(expression ast.Expr) string {
	switch at := expression.(type) {
	case *ast.AccessExpr:
		return dotted(at.Value) + "." + at.Name.Name
	case *ast.IdentifierExpr:
		return at.Ident.Name
	}
	return ""
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
