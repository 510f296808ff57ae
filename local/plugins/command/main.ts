import { main } from "../core/main";
import { command } from "./provider";

void main("@pulumi/command", command);
