package edfgui;

/** Stands in for the settings of the plugin Extended Depth of Field. */
public class Parameters {
    public int maxScales = 0;
    public int quality = -1;
    public int topology = -1;
    public double rate = 0.1;
    public boolean color = true;
    public boolean showTopology = true;

    public void setQualitySettings(int value) {
        quality = value;
    }

    public void setTopologySettings(int value) {
        topology = value;
    }
}
