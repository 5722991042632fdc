// A page whose parts are renewed, and that does nothing else.
import { renews } from "./renewing.js";

renews();
