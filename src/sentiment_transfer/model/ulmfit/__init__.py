"""ULMFiT (Howard & Ruder 2018, arXiv 1801.06146) on torch's own LSTM: the AWD-LSTM (Merity et al. 2017, arXiv
1708.02182), its language model, the classifier on top of it, and how the classifier is trained."""
