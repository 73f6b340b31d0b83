Console.Error.WriteLine("ragcluster: the node is not built yet.");
return 1;
