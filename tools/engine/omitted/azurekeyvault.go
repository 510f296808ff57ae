// Package azurekeyvault stands in for the one of this name, which is not in this engine.
package azurekeyvault
