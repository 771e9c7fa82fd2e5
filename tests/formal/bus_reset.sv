// The channels of the bus behind its reset, as the generated top joins them: from the first edge at which the reset is
// low, whatever its length and whatever was under way, nothing is valid and nothing ready, until the core has been in
// reset for Hold cycles more.

`default_nettype none

module bus_reset_formal #(
  parameter Hold = 16
) (
  input wire        clk_i,
  input wire        rst_ni,
  // From the masters.
  input wire        awvalid_i, wvalid_i, bready_i, arvalid_i, rready_i, svalid_i, slast_i, mready_i,
  input wire [3:0]  awaddr_i, araddr_i, skeep_i,
  input wire [31:0] wdata_i, sdata_i,
  // From the core and the registers.
  input wire        acknowledge_i, sample_ready_i, result_valid_i,
  input wire [1:0]  response_i
);

  wire bus_rst_n, core_rst_n;
  bus_reset #(.Hold(Hold)) u_reset (
    .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_no(bus_rst_n), .core_rst_no(core_rst_n)
  );

  wire awready, wready, bvalid, arready, rvalid, sready, mvalid, request, accept;
  axi_lite_slave #(.AddressWidth(4)) u_slave (
    .clk_i(clk_i), .rst_ni(bus_rst_n), .awvalid_i(awvalid_i), .awready_o(awready), .awaddr_i(awaddr_i),
    .wvalid_i(wvalid_i), .wready_o(wready), .wdata_i(wdata_i), .wstrb_i(4'hF), .bvalid_o(bvalid),
    .bready_i(bready_i), .bresp_o(), .arvalid_i(arvalid_i), .arready_o(arready), .araddr_i(araddr_i),
    .rvalid_o(rvalid), .rready_i(rready_i), .rdata_o(), .rresp_o(), .request_o(request), .write_o(),
    .address_o(), .data_o(), .strobe_o(), .acknowledge_i(request && acknowledge_i), .data_i(32'd0),
    .response_i(response_i)
  );
  wire sample_valid;
  stream_samples #(.SlotWidth(8), .InputWidth(1), .Inputs(5), .CountWidth(3), .LabelWidth(1), .Classes(2)) u_samples (
    .clk_i(clk_i), .rst_ni(bus_rst_n), .tvalid_i(svalid_i), .tready_o(sready), .tdata_i(sdata_i),
    .tkeep_i(skeep_i), .tlast_i(slast_i), .valid_o(sample_valid), .ready_i(sample_ready_i), .data_o(), .last_o(),
    .drop_o(), .label_o(), .train_o(), .ends_batch_o(), .rates_o(), .short_o(), .long_o(), .bad_label_o()
  );
  stream_results u_results (
    .clk_i(clk_i), .rst_ni(bus_rst_n), .valid_i(result_valid_i), .accept_o(accept), .ready_o(),
    .prediction_i(16'd0), .label_i(15'd0), .train_i(1'b0), .number_i(32'd0), .signature_i(32'd0),
    .cycles_i(32'd0), .tvalid_o(mvalid), .tready_i(mready_i), .tdata_o(), .tkeep_o(), .tlast_o()
  );

  // Edges since the reset was low at one; more than Hold at first, when nothing is known.
  reg [5:0] f_since = 6'd63;
  reg f_alone = 1'b0;  // the reset was low at the last edge, at the one before it was not
  reg f_offered = 1'b0, f_answer = 1'b0;
  always @(posedge clk_i) begin
    f_since <= !rst_ni ? 6'd0 : f_since + (f_since != 6'd63);
    f_alone <= !rst_ni && f_since > Hold && f_since != 6'd63;
    f_offered <= mvalid && !mready_i;
    f_answer <= rvalid && !rready_i;
  end

  wire f_shown = mvalid || bvalid || rvalid || sready || awready || wready || arready || sample_valid || request;
  always @* if (f_since <= Hold) begin
    assert (!f_shown);
    assert (!bus_rst_n);
  end
  always @* if (f_since >= 1 && f_since <= Hold) assert (!core_rst_n);

  // A reset of one cycle takes back a result word and a read's answer that wait; afterwards all begins anew.
  always @* cover (f_alone && rst_ni && f_offered);
  always @* cover (f_alone && rst_ni && f_answer);
  always @* cover (f_since > Hold && f_since != 6'd63 && sready && awready && wready && arready);

endmodule

`default_nettype wire
